"""Facebook Pages: the nodes, Page insights and audience, posts with their insights, and their exact truth."""
