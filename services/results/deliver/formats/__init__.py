"""One typed finding, rendered for an archive, a chart, a laboratory, a viewer and a reader; pure, repeatable byte for byte."""
