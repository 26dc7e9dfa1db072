"""Market data acts: it gathers pools and books into the views that routing decides on."""
