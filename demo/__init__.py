"""A web site with WebRTC users, as a model: WWSF and the WIC page that it serves."""
