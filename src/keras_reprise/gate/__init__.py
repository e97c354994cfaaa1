"""The regression gate: fresh processes and replicates against an accepted baseline, or between two environments."""
