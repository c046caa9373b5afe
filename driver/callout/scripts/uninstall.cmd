@echo off
rem Stops and removes the driver that install.cmd installed. What it holds is blocked when it stops. Filters stay in the
rem filtering engine: those that ask this driver decide by their own setting for a missing callout, so remove them with
rem sallyport.exe before. A driver installed from the package leaves by: pnputil /delete-driver NAME /uninstall
rem Exit code: 0 gone, 1 failed, 3 not a 64-bit prompt or installed from a package, 5 not elevated.
setlocal
if defined PROCESSOR_ARCHITEW6432 (echo uninstall: use a 64-bit prompt; in a 32-bit one System32 is another folder& exit /b 3)
"%SystemRoot%\System32\fltmc.exe" >nul 2>&1 || (echo uninstall: run this in an elevated prompt& exit /b 5)
sc query sallyport >nul 2>&1 || (echo uninstall: the driver is not installed& exit /b 0)
sc qc sallyport | find /i "DriverStore" >nul && (echo uninstall: it was installed from a package: pnputil /enum-drivers names it, pnputil /delete-driver NAME /uninstall removes it& exit /b 3)
sc stop sallyport >nul 2>&1
sc query sallyport | find "STOPPED" >nul || (echo uninstall: the driver still runs: close sallyport.exe, its handles keep the driver loaded& exit /b 1)
sc delete sallyport >nul || (echo uninstall: the service could not be removed& exit /b 1)
if exist "%SystemRoot%\System32\drivers\sallyport.sys" del /q "%SystemRoot%\System32\drivers\sallyport.sys"
if exist "%SystemRoot%\System32\drivers\sallyport.sys" (echo uninstall: sallyport.sys could not be deleted from System32\drivers& exit /b 1)
echo uninstall: the driver is gone
exit /b 0
