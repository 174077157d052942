"""What leaves the house: requests to other people's servers."""
