"""Languages: words, sentences, risk."""
