"""Commands about SIP edges and what they have been ordered to do."""
