"""One typed finding, rendered for archive, chart, laboratory, viewer and reader; pure, repeatable byte for byte."""
