"""Who comes in, and how often they may try.

sign_in, sign_in_limits, second_factors     number and password, then the code of a second factor
forgotten, account_mail, inviting_many      a first password, and another one
limits, limit_keys                          attempts, counted under one key for each person or place
addresses, devices                          where a request comes from
"""
