"""The paper as data: its tables and claims, and the recipes that its methods' authors publish."""
