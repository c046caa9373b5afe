@echo off
rem Installs and starts the driver that lies beside this file. Needs an elevated prompt and a driver this machine accepts.
setlocal
net session >nul 2>&1 || (echo install: run this in an elevated prompt& exit /b 5)
if not exist "%~dp0sallyport.sys" (echo install: sallyport.sys must lie beside this file& exit /b 2)
sc query sallyport >nul 2>&1 && (echo install: the service exists already; run uninstall.cmd first& exit /b 1)
copy /y "%~dp0sallyport.sys" "%SystemRoot%\System32\drivers\sallyport.sys" >nul || exit /b 1
sc create sallyport type= kernel start= demand binPath= System32\drivers\sallyport.sys depend= tcpip DisplayName= "Sallyport callout driver" || exit /b 1
sc start sallyport && exit /b 0
echo install: Windows did not start the driver. 577: its signature is not accepted (test mode, certificate). 1275: blocked by policy.
sc delete sallyport >nul
del /q "%SystemRoot%\System32\drivers\sallyport.sys"
exit /b 1
