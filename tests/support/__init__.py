"""What several test modules share: random small networks and independent reference answers."""
