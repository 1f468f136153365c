"""HL7 v2 messages: merges of patients are read; laboratory and pathology results follow.

in: messages. out: values of shared.domain. never: network.
"""
