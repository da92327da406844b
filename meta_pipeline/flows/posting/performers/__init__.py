"""The steps of publishing that need several calls: uploads, the media of a container, an edit."""
