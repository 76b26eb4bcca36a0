"""What builds any table: stages that leave files in a working folder and go on from them."""
