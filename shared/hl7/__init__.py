"""HL7 v2 messages: empty until a service speaks them (laboratory and pathology results).

in: messages. out: values of shared.domain. never: network.
"""
