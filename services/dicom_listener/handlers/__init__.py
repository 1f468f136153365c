"""Use cases: receive an object, judge a study, submit it, tell a person, resume after a crash."""
