"""Risk decides before anything is held: pure checks with one answer, accepted or denied."""
