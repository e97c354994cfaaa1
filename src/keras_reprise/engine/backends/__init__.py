"""One file a backend, behind one interface; nothing else imports a backend."""
