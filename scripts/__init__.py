"""Starting the project on a laptop: the stack (local AWS and Airflow) and the demo."""
