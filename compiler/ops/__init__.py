"""What a block is: shapes and costs of each operation, for every backend."""
