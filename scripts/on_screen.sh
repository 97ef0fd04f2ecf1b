#!/bin/sh
# Run a command on a virtual screen where Xvfb is installed (so that no test window
# steals the keyboard), else on whatever screen there is.
if command -v xvfb-run >/dev/null 2>&1; then
    # A Wayland session would otherwise win over the virtual screen.
    unset WAYLAND_DISPLAY
    QT_QPA_PLATFORM=xcb
    export QT_QPA_PLATFORM
    exec xvfb-run -a -s "-screen 0 1920x1200x24" "$@"
fi
exec "$@"
