"""Pictures for people: flow in colours, contact sheets, curves."""
