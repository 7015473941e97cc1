"""What the kernel is given: the network, the question, and the certificate's file, each read without trusting it."""
