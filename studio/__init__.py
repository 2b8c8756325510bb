"""The studio: with pages/, the only code that imports streamlit."""
