"""Answers, scores, paired comparison and the gate."""
