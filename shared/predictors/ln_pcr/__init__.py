"""ln_pcr: probability of pathologic complete response of the axillary lymph nodes after neoadjuvant chemotherapy.

in: a breast MR study, receptors, clinical T and N, therapies. out: P(axillary pCR) and its complement, or a coded
refusal. never: an imputed level, a guessed side, P(non-pCR) under the name of pCR.

Source: paper 000 (LN-pCR after NAC from DCE-MRI), tables 2 and 3. Variants: Clinical (ER, HER2, T), Clinical-Radiomics
(and the rad-score), Clinical-DLR (and the network's probability). The richest that can answer is the result.
"""
