"""The small classifiers that the estimators are built from."""
