"""Which of many candidates a model is made of: LASSO, random forest, gradient boosting, and what all three agree on."""
