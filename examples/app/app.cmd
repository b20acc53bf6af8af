@echo off
echo Serving C:\app\site, data in %APP_DATA%
dir C:\app\current
