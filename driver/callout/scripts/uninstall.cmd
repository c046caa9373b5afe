@echo off
rem Stops and removes the driver. What it holds is blocked when it stops. Filters stay in the filtering engine: those that
rem ask this driver decide by their own setting for a missing callout, so remove them with sallyport.exe before.
setlocal
net session >nul 2>&1 || (echo uninstall: run this in an elevated prompt& exit /b 5)
sc query sallyport >nul 2>&1 || (echo uninstall: the driver is not installed& exit /b 0)
sc stop sallyport >nul 2>&1
sc query sallyport | find "STOPPED" >nul || (echo uninstall: the driver still runs: close sallyport.exe, its handles keep the driver loaded& exit /b 1)
sc delete sallyport || exit /b 1
del /q "%SystemRoot%\System32\drivers\sallyport.sys"
exit /b 0
