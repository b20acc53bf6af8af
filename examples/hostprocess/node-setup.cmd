@echo off
rem Runs on the node itself: everything the node can do, this can.
echo %COMPUTERNAME% is being set up
ver
