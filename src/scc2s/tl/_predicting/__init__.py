"""What cells become: perturb, fate, screen."""
