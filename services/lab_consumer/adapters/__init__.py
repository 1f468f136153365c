"""The doors and stores of the lab consumer: HTTP, gRPC, SQL, results."""
