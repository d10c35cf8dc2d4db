#!/bin/sh
# Runs at the first start of the instance. Replace it by the installation of your game.
set -eu
useradd --system --create-home game
echo "install the server for the user game here" > /home/game/README
