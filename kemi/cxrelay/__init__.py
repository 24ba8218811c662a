"""The relay on a CSCF's Diameter: it hears what modules do not tell, and asks by itself."""
