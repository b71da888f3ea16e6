"""What nearfar costs, as ratios measured in one run: machines are noisy, and absolute times are for scale only."""
