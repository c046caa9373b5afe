/*
 * Traffic for the bench: every connect in a thread of its own, because a held call holds its thread.
 *   traffic many PORT COUNT       COUNT connects at once, each to its own address in 127/8
 *   traffic rate PORT N SECONDS   N connects a second
 *   traffic stamp PORT N FILE     N connects, 150 ms apart; writes "N milliseconds" to FILE right before each
 * Prints "done OK ok, REFUSED refused, DENIED denied of ALL" when all are over.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int port;
static const char *stamp_file;
static atomic_int ok, refused, denied, over;

static void stamp(int n) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  FILE *file = fopen(stamp_file, "w");
  if (!file) exit(1);
  fprintf(file, "%d %lld", n, (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
  fclose(file);
}

static void *run(void *argument) {
  int n = (int)(intptr_t)argument;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  to.sin_addr.s_addr = htonl(0x7f010000u + (uint32_t)n);
  if (stamp_file) stamp(n);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) ok++;
  else if (errno == ECONNREFUSED) refused++;
  else if (errno == EACCES) denied++;
  close(fd);
  over++;
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  const char *mode = argv[1];
  port = atoi(argv[2]);
  int count = atoi(argv[3]);
  int pause_us = 0;
  if (strcmp(mode, "rate") == 0) {
    pause_us = 1000000 / count;
    count *= atoi(argv[4]);
  }
  if (strcmp(mode, "stamp") == 0) {
    stamp_file = argv[4];
    pause_us = 150000;
  }
  pthread_t *threads = calloc((size_t)count, sizeof *threads);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 * 1024);
  for (int n = 0; n < count; n++) {
    if (pthread_create(&threads[n], &small, run, (void *)(intptr_t)(n + 1)) != 0) return 1;
    if (pause_us) usleep((useconds_t)pause_us);
  }
  for (int n = 0; n < count; n++) pthread_join(threads[n], NULL);
  printf("done %d ok, %d refused, %d denied of %d\n", ok, refused, denied, over);
  return 0;
}
