"""Several processes behind the same ports: one parent that serves nobody, and as many services as were asked for."""
