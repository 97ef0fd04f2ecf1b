"""The dock "Train", and the table of labelled recordings that it shares."""
