"""What a machine can do: packages, devices, disks; for `automlc doctor`."""
