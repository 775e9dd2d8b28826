"""The passes, one file each; PASSES in driver.py is their order."""
