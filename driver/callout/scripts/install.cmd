@echo off
rem Installs and starts the driver for a test. In the release this file, uninstall.cmd, sallyport.sys and sallyport.inf lie in
rem one folder, driver\; sallyport.sys is looked for beside this file, wherever it is called from.
rem Needs an elevated prompt and a driver this machine accepts (test mode and certificate, see README.md). A package with a
rem signed catalog is installed by: pnputil /add-driver sallyport.inf /install
rem Exit code: 0 runs, 1 failed (and undone), 2 no sallyport.sys here, 3 not a 64-bit prompt on x64, 5 not elevated.
setlocal
if defined PROCESSOR_ARCHITEW6432 (echo install: use a 64-bit prompt; in a 32-bit one System32 is another folder& exit /b 3)
if /i not "%PROCESSOR_ARCHITECTURE%"=="AMD64" (echo install: the driver is for x64, this is %PROCESSOR_ARCHITECTURE%& exit /b 3)
"%SystemRoot%\System32\fltmc.exe" >nul 2>&1 || (echo install: run this in an elevated prompt& exit /b 5)
if not exist "%~dp0sallyport.sys" (echo install: sallyport.sys must lie beside this file& exit /b 2)
sc query sallyport >nul 2>&1 && (echo install: the service exists already; run uninstall.cmd first& exit /b 1)
copy /y "%~dp0sallyport.sys" "%SystemRoot%\System32\drivers\sallyport.sys" >nul || (echo install: the driver could not be copied& exit /b 1)
sc create sallyport type= kernel start= demand error= normal binPath= System32\drivers\sallyport.sys depend= tcpip DisplayName= "Sallyport callout driver" >nul || (
  echo install: the service could not be made
  del /q "%SystemRoot%\System32\drivers\sallyport.sys"
  exit /b 1
)
sc start sallyport >nul && (echo install: the driver runs& exit /b 0)
echo install: Windows did not start the driver, error %errorlevel%. 577: its signature is not accepted. 1275: blocked by policy.
rem Asked only now: a driver with a production signature needs no test mode. The value is the same in every language.
reg query "HKLM\SYSTEM\CurrentControlSet\Control" /v SystemStartOptions 2>nul | find /i "TESTSIGNING" >nul || echo install: test mode is off: bcdedit /set testsigning on, then restart. Secure Boot must be off.
sc delete sallyport >nul
del /q "%SystemRoot%\System32\drivers\sallyport.sys"
exit /b 1
