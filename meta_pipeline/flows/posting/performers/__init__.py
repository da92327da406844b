"""The steps of publishing that take several calls: uploads, the media of a container, an edit."""
