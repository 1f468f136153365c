"""What model_factory does: build a published model, seal a bundle, measure a bundle on a cohort."""
