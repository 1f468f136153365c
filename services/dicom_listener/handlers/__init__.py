"""Use cases: let an object in, judge it, judge its study, submit it, tell a person, resume after a crash."""
