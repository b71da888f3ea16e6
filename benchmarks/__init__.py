"""What nearfar costs, as ratios measured in one run: machines are shared and noisy, absolute times are for scale only."""
