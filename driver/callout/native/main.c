/* Runs every test between a load and an unload of the driver, and checks after each that nothing is left. */
#include "test.h"

#include <unistd.h>

static int Run(const TEST *tests, const char *only)
{
    int count = 0;
    for (; tests->name != NULL; tests++) {
        if (only != NULL && strstr(tests->name, only) == NULL) {
            continue;
        }
        alarm(120); /* a hang is a failure */
        fprintf(stderr, "%s\n", tests->name);
        tests->run();
        EngineCheckEnd();
        NativeCheckLeaks();
        count++;
    }
    return count;
}

int main(int count, char **arguments)
{
    const char *only = count > 1 ? arguments[1] : NULL;
    int ran = 0;
    ran += Run(HoldTests, only);
    ran += Run(EndTests, only);
    ran += Run(PacketTests, only);
    ran += Run(ClientTests, only);
    ran += Run(ControlTests, only);
    ran += Run(ModuleTests, only);
    ran += Run(RedirectTests, only);
    ran += Run(StreamTests, only);
    ran += Run(FaultTests, only);
    printf("%d tests passed\n", ran);
    return ran == 0;
}
