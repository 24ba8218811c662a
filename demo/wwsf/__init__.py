"""The WebRTC Web Server Function (TS 23.228 U.1.2): users log in, browsers get tokens."""
