/*
 * sallyport.exe: starts node\node.exe with app\cli.mjs in the same console, hands its own arguments on as they were typed, and ends
 * with its exit code. A .cmd file would change arguments that hold % ^ & and ask "Terminate batch job?" at Ctrl-C.
 *
 * Node is in a job of this process: when sallyport.exe is ended, Node ends too, and with it the driver's decider.
 */
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>
#include <windows.h>

/* The longest command line of CreateProcessW, its end included. */
#define LONGEST 32767

static HANDLE child;

/* Ctrl-C and Ctrl-Break are for Node, which gets them too. A closing console waits until Node has tidied up (Windows' own limit: 5 s). */
static BOOL WINAPI OnControl(DWORD event)
{
	if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT && child != NULL)
		WaitForSingleObject(child, INFINITE);
	return TRUE;
}

/* What follows the program's own name in a command line, by the rule of CommandLineToArgvW for the first word. */
static const wchar_t *Arguments(const wchar_t *line)
{
	if (*line == L'"') {
		const wchar_t *end = wcschr(line + 1, L'"');
		line = end != NULL ? end + 1 : L"";
	}
	return line + wcscspn(line, L" \t");
}

static int Fail(const wchar_t *what, DWORD error)
{
	fwprintf(stderr, L"sallyport: %ls (Windows error %lu): unpack the whole zip into one folder and start it there\n", what, error);
	return 1;
}

/* Standard handles as they are, a file or pipe included. */
static void Inherit(STARTUPINFOW *start)
{
	start->cb = sizeof *start;
	start->dwFlags = STARTF_USESTDHANDLES;
	start->hStdInput = GetStdHandle(STD_INPUT_HANDLE);
	start->hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
	start->hStdError = GetStdHandle(STD_ERROR_HANDLE);
	SetHandleInformation(start->hStdInput, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
	SetHandleInformation(start->hStdOutput, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
	SetHandleInformation(start->hStdError, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
}

/* A job that ends its process with this one, but not what that process starts: a guarded command outlives its guard. */
static void Tie(HANDLE process)
{
	JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = { 0 };
	HANDLE job = CreateJobObjectW(NULL, NULL);

	limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
	if (job != NULL && SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits))
		AssignProcessToJobObject(job, process);
}

int wmain(void)
{
	static wchar_t folder[LONGEST], node[LONGEST], line[LONGEST];
	const wchar_t *arguments = Arguments(GetCommandLineW());
	STARTUPINFOW start = { 0 };
	PROCESS_INFORMATION process;
	DWORD length, code;
	wchar_t *cut;

	length = GetModuleFileNameW(NULL, folder, LONGEST);
	cut = wcsrchr(folder, L'\\');
	if (length == 0 || length >= LONGEST || cut == NULL)
		return Fail(L"its own folder is not known", GetLastError());
	*cut = L'\0';
	/* node:sqlite still tells on Node 22 that it is experimental. */
	if (_snwprintf(node, LONGEST, L"%ls\\node\\node.exe", folder) < 0 ||
	    _snwprintf(line, LONGEST, L"\"%ls\" --disable-warning=ExperimentalWarning \"%ls\\app\\cli.mjs\"%ls", node, folder,
		       arguments) < 0 ||
	    line[LONGEST - 1] != L'\0') {
		fwprintf(stderr, L"sallyport: the command line is too long\n");
		return 2;
	}

	SetConsoleCtrlHandler(OnControl, TRUE);
	Inherit(&start);
	if (!CreateProcessW(node, line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &start, &process))
		return Fail(L"node\\node.exe does not start", GetLastError());
	child = process.hProcess;
	Tie(child);
	ResumeThread(process.hThread);
	WaitForSingleObject(child, INFINITE);
	if (!GetExitCodeProcess(child, &code))
		return Fail(L"the exit code is not known", GetLastError());
	return (int)code;
}
