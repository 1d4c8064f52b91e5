#include "tests/bench/peer.h"
#include "tests/bench/race.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct peer peer_onednn = { .name = "oneDNN",
                            .argv = { "onednn_lstm" },
                            .needs = "g++ and libdnnl-dev 2" };
struct peer peer_pytorch = { .name = "PyTorch",
                             .argv = { "/usr/bin/python3", "tests/bench/pytorch_lstm.py" },
                             .needs = "python3-torch" };

static void absent(struct peer *peer, const char *why)
{
    printf("SKIPPED: %s: %s; it needs %s\n", peer->name, why, peer->needs);
    fflush(stdout);
    peer->is_absent = 1;
}

static void become(const struct peer *peer, const int to[2], const int from[2])
{
    char path[1024] = "";
    dup2(to[0], STDIN_FILENO);
    dup2(from[1], STDOUT_FILENO);
    for (int i = 0; i < 2; i++)
        close(to[i]), close(from[i]);
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    char *name = length > 0 ? strrchr(path, '/') : NULL;
    if (!strchr(peer->argv[0], '/') && name)
        snprintf(name + 1, sizeof path - (size_t)(name + 1 - path), "%s", peer->argv[0]);
    else
        snprintf(path, sizeof path, "%s", peer->argv[0]);
    setenv("OMP_NUM_THREADS", "1", 1); /* OpenMP and OpenBLAS read them when they are loaded */
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    execv(path, (char *const *)(uintptr_t)peer->argv);
    printf("it cannot be started\n");
    fflush(stdout);
    _exit(1);
}

static void start(struct peer *peer)
{
    int to[2], from[2];
    race_check(pipe(to) || pipe(from), "no pipe");
    fflush(stdout);
    peer->pid = fork();
    race_check(peer->pid < 0, "no process");
    if (peer->pid == 0)
        become(peer, to, from);
    close(to[0]);
    close(from[1]);
    /* A peer that held another's pipes open would keep it from noticing the end. */
    race_check(fcntl(to[1], F_SETFD, FD_CLOEXEC) || fcntl(from[0], F_SETFD, FD_CLOEXEC), "no pipe");
    peer->in = fdopen(to[1], "w");
    peer->out = fdopen(from[0], "r");
    race_check(!peer->in || !peer->out, "no pipe");
}

double question_ask(void *arg)
{
    const struct question *question = arg;
    struct peer *peer = question->peer;
    char answer[400] = "it has ended", *end;
    if (peer->is_absent)
        return NAN;
    if (!peer->pid)
        start(peer);
    fprintf(peer->in, "%s\n", question->request);
    fflush(peer->in); /* where it has ended, what it said before is still to be read */
    if (fgets(answer, sizeof answer, peer->out))
        answer[strcspn(answer, "\n")] = '\0';
    double rate = strtod(answer, &end);
    if (end != answer && rate > 0)
        return rate * question->scale;
    absent(peer, answer);
    return NAN;
}

struct question question_lstm(struct peer *peer, const char *precision, int32_t embedding,
                              int32_t hidden, const int32_t *lengths, int32_t texts)
{
    struct question question = { .peer = peer, .scale = 1 };
    size_t at = (size_t)snprintf(question.request, REQUEST_SIZE, "lstm %s %d %d", precision,
                                 embedding, hidden);
    for (int32_t i = 0; i < texts && at < REQUEST_SIZE; i++)
        at += (size_t)snprintf(question.request + at, REQUEST_SIZE - at, " %d", lengths[i]);
    race_check(at >= REQUEST_SIZE, "a request of too many texts");
    return question;
}

void peers_end(void)
{
    struct peer *const peers[] = { &peer_onednn, &peer_pytorch };
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
        if (!peers[i]->pid)
            continue;
        fclose(peers[i]->in); /* the end of its input is the end of its work */
        fclose(peers[i]->out);
        waitpid(peers[i]->pid, NULL, 0);
    }
}
