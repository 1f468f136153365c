"""What TL-PA is compared with: attention MIL and graph MIL, written from their papers, on features of any network.

in: bags of patch features with places and one label per slide. out: one score per slide; the higher, the likelier
``her2_positive``. never: served; a line of the published programs (both are GPL).
"""
